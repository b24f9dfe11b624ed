"""The desk's pages of cases: the queue, one case with its pictures and steps, bulk steps, devices."""
