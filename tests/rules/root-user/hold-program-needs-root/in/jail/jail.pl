chroot '/srv/jail' or die $!;
exec '/bin/serve';
