"""The site: asv's publisher plugin, the rows of each page, and the pages."""
