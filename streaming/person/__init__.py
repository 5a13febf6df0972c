"""`./vitrine person`: what is kept of one person, and erasing it (arts. 15, 17 and 20 GDPR).

traces.py says by what somebody is recognised, erased.py what is left of a session, rejected.py what is left
of a rejected message: all pure. requests.py is the list of erasures. places.py knows every place, run.py goes
through them one after the other. The stages must not run meanwhile (stack/person.py stops them).
"""
