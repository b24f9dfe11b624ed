"""Devices that sense the city: their register, raw readings of thirty days, daily figures of two years."""
