"""Live cameras: one reader each, a few analysts for all of them, and nothing that waits for a failing one."""
