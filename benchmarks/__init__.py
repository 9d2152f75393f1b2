"""Measurements that anyone can run again: the exam, and the speed of the main job."""
