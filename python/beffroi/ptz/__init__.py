"""What tells where a dome looks. One file per kind; `beffroi.components` finds them by their ``type``."""
