"""An error log → what failed → the linker's answer."""
