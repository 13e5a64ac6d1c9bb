"""Where pictures come from. Each file is one ``type``; see `beffroi.components`."""
