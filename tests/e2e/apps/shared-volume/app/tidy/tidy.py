import pathlib
import time

while True:
    pathlib.Path("/spool/old").unlink(missing_ok=True)
    time.sleep(0.2)
