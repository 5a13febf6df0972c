"""`./vitrine ports`: tries every listening port of this stack as somebody who does not belong there."""
