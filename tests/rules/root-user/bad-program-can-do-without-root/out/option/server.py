import os
import sys

if "--uid" in sys.argv:
    os.setuid(int(sys.argv[2]))
