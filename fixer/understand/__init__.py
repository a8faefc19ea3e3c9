"""What files mean: stages, users, processes, folders, builds."""
