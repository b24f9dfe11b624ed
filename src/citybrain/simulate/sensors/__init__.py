"""The devices of the Internet of Things: their register, their readings of thirty days, their days of two years."""
