"""Where labeled videos come from: a folder, a CSV file, a published data set; and their splits."""
