"""Where alerts go. One file per kind; `beffroi.components` finds them by their ``type``."""
