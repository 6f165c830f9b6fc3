"""Two commits side by side: is one slower?"""
