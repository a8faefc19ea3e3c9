import os
import pwd

account = pwd.getpwnam("nobody")
os.setgid(account.pw_gid)
os.setuid(account.pw_uid)
print("running as", os.getuid())
