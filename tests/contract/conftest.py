from tests.real_prometheus import real_prometheus

__all__ = ["real_prometheus"]
