docker exec web ls
docker exec -it -u 1000 web sh
docker exec web su -u root
