"""`./vitrine migrate`: brings what an earlier release stored into the form of this one."""
