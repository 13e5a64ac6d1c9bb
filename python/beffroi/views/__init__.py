"""Whether a camera sees, and whether what it sees is the view that the rules were drawn on."""
