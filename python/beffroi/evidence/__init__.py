"""What is kept of an alert: pictures in which nobody can be recognised."""
