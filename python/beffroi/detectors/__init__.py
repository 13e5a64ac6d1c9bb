"""What finds the boxes. Each file is one ``type``; see `beffroi.components`."""
