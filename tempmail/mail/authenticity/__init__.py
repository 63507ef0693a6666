"""Whether a mail comes from where it says: SPF, DKIM, DMARC and ARC, without any I/O."""
