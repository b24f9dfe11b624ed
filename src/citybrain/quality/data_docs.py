def publish(settings):
    return 0
