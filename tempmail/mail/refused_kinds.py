"""Kinds of files that are refused where the operator says nothing else."""

from __future__ import annotations

_GMAIL = (
    "ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe"
    " hta img ins iso isp jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif"
    " ps1 scr sct shb sys vb vbe vbs vhd vxd wsc wsf wsh xll"
)
"""support.google.com/mail/answer/6590, "File types blocked in Gmail"."""

_OUTLOOK = (
    "ade adp app application appref-ms asp aspx asx bas bat bgi cab cdxml cer chm cmd cnt com cpl"
    " crt csh der diagcab exe fxp gadget grp hlp hpj hta htc inf ins iso isp its jar jnlp js jse"
    " ksh lnk mad maf mag mam maq mar mas mat mau mav maw mcf mda mdb mde mdt mdw mdz mht mhtml"
    " msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst msu ops osd pcd pif pl plg prf prg"
    " printerexport ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 pssc pst py pyc pyo pyw pyz pyzw reg"
    " scf scr sct shb shs theme tmp udl url vb vbe vbp vbs vhd vhdx vsmacros vsw webpnp website ws"
    " wsb wsc wsf wsh xbap xll xnk"
)
"""support.microsoft.com, "Blocked attachments in Outlook", and Exchange's BlockedFileTypes."""

_MACROS = "docm dotm xlsm xltm xlam xlsb pptm potm ppsm ppam sldm"
"""Documents that carry programs; Gmail refuses them by what they do, which nobody runs here."""

_OTHER_SYSTEMS = (
    "appimage bash class command deb desktop dex dylib elf ipa macho mpkg pkg rpm run sh so"
    " tool workflow zsh"
)
"""Programs of Unix, macOS, Android and Java."""

REFUSED_KINDS = frozenset(f"{_GMAIL} {_OUTLOOK} {_MACROS} {_OTHER_SYSTEMS}".split())
"""Extensions, in lower case, without a dot."""
