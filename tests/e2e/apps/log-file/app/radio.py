import logging
import os
import time

logging.basicConfig(filename=os.environ["RADIO_LOG"], level=logging.INFO)
logging.info("started")
while True:
    time.sleep(1)
