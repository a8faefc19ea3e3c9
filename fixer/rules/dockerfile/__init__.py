"""Rules on Dockerfiles, one file each."""
