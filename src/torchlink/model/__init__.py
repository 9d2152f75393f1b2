"""The words of the domain: frozen values, without I/O. Every other package speaks in them."""
