"""Events out to whoever watches."""
