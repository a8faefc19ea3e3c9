docker run -d --restart=unless-stopped --name web -p 80:80 nginx:1.27
