"""What mails write on and around the links that do something for their reader's account.

Words are folded fragments, as in :mod:`tempmail.mail.code_words`, for some thirty languages.
"""

# The words stand in the scripts of their languages.
# ruff: noqa: RUF001

from __future__ import annotations

from tempmail.mail.vocabulary import any_of

UNSUBSCRIBE = any_of(r"""
    unsub | opt.?out | stop receiving | no longer (?:wish|want) to receive | abmelden\b
    abbestell | austragen
    desabonn | desinscri | desubscri | ne plus recevoir | darse de baja | de baixa
    date de baja | cancelar (?:la |tu |mi )?suscripcion | dejar de recibir
    descadastr | cancel\w+ (?:a |sua |minha )?(?:inscricao|subscricao|assinatura)
    remover (?:meu|o seu) e-?mail
    disiscri | annulla\w* (?:l.)?iscrizione | cancellati | cancella\w* .{0,8}iscrizion
    afmelden | uitschrij | wypisz | rezygn | odsubskryb | nie chce\w* .{0,30}otrzymyw
    anuluj subskrypc
    отпис | відпис | не получать | не отримувати | abonelik\w* (?:cik|iptal)
    listeden (?:cik|ayril) | uyelikten | uyeli\w* (?:sonlandir|iptal) | almak istemiyor
    退订 | 退訂 | 取消订阅 | 取消訂閱 | 配信(?:停止|解除) | (?:購読|登録)解除 | メールの停止
    配信を(?:停止|解除) | 登録を(?:取り消|解除) | 수신 ?거부 | 구독 ?취소 | 구독 ?해지
    الغاء الاشتراك | الغاء (?:ال)?اشتراك | הסר(?:ה|ו)? | ביטול (?:ה)?(?:הרשמה|רישום)
    सदस्यता (?:समाप्त|रद्द) | अनसब्सक्राइब | berhenti berlangganan | batal berlangganan
    huy dang ky | ngung nhan | ยกเลิกการ(?:รับ|สมัคร|ติดตาม) | ยกเลิกรับ | avregistr
    avprenumer | avsluta prenum | odhlas | zrusit odber | odjav | odber .{0,12}zrus
    διαγραφ | καταργηση (?:τησ )?εγγραφ | απεγγραφ | afmeld | avmeld | meld (?:deg )?av
    peruuta tilaus | poistu | leiratkoz | dezabon
""")

RESET = any_of(r"""
    password | passwor[dt] | kennwort | mots? de passe | contrasena | \bsenha | palavra.passe
    wachtwoord | \bhasl[oa]
    парол | \bsifre | parola | 密码 | 密碼 | パスワード | 비밀번호 | كلمة (?:ال)?(?:مرور|سر)
    סיסמ | पासवर्ड
    kata sandi | mat khau | รหัสผ่าน | losenord | \bhesl[oa] | κωδικ\w* προσβασησ
    (?:αλλα|επαναφορ|νεο)\w* .{0,20}κωδικ | συνθηματικ | adgangskode | passord
    salasana | jelszo | recover | account recovery | konto wiederherstell
    восстановлени\w+ доступ
""")

INVITE = any_of(r"""
    invit | \bjoin\b | einlad | eingelad | beitreten | rejoin | \bunirse\b | unirte | te unas
    \bunete\b
    participar | convi[td] | unisciti | uitnod | uitgenod | deelnemen
    zaprosz | zaprasza | zaproszeni | dolacz | приглаш | присоедин | запрош | приєдн | davet
    katil
    邀请 | 邀請 | 加入 | 招待 | 参加 | 초대 | 참여 | دعوة | انضم | הזמנה ל | הצטרפ | להזמין
    מזמינ | הוזמנ | निमंत्रण | आमंत्र | शामिल हो | सदस्य बन
    undang | bergabung | loi moi | \bmoi ban | tham gia | เชิญ | เข้าร่วม | inbjud | bjud\w* in
    inbjuden | ga med | pozvan | pripojit
    προσκλησ | προσκαλ | kutsu | meghiv
""")

CONFIRM = any_of(r"""
    confirm | verif | activat | validat | complete (?:your |the )?(?:registration|sign.?up)
    subscribe me | yes, subscribe
    bestatig | aktivier | verifizier | freischalt | valider | activer | verifica | activa
    ativar | conferm | attiva | completa
    bevestig | activeer | verifieer | potwierdz | aktyw | weryfik | подтверд | подтвержд | актив
    завершить регистрац
    підтверд | підтвердж | активу | завершити реєстрац | dogrula | onayla | etkinlestir
    aktiflestir
    验证 | 确认 | 激活 | 驗證 | 確認 | 啟用 | 認証 | 有効化 | 完了 | 인증 | 확인 | 활성화
    تاكيد | اكد | تحقق | تفعيل | אימות | אישור | אשר | לאמת | הפעל | सत्यापि | सत्यापन | पुष्टि
    सक्रिय
    konfirmasi | bekræft | потвърд | потвържд | erosits\w* meg | verifikasi | aktifkan
    aktivasi | xac (?:nhan|minh|thuc) | kich hoat | ยืนยัน | เปิดใช้งาน
    bekraft | verifiera | aktivera | overit | overeni | potvrd | potvrz | aktivov
    dokonc\w* registrac | επιβεβαι | επαληθευ | ενεργοποι
    bekraeft | bekreft | vahvist | megerosit | aktival
""")

SIGN_IN = any_of(r"""
    sign.?in\b | sign me in | signing in | log.?in\b | magic | passwordless | anmeld | einlogg
    anzumeld | einzulogg | melde[nst]* .{0,30}\ban\b | meld .{0,20}\baan\b | in te loggen
    aanmeld | login | connexion | connecter | iniciar sesion | inicia sesion
    \bacced | \bentrar\b | fazer login | acessar | \baccess | inlog | zalogu | zalogowac
    logowan | войти | вход | увійти | вхід | giris yap
    oturum ac | 登录 | 登入 | 登錄 | ログイン | サインイン | 로그인 | تسجيل الدخول | سجل الدخول
    כניסה | התחבר | लॉग ?इन | साइन ?इन
    \bmasuk\b | dang nhap | เข้าสู่ระบบ | เข้าสู่บัญชี | ลงชื่อเข้า | logga in | prihlas
    συνδεσ | συνδεθ | log ind | logg inn | kirjaudu | bejelentkez
""")

PASSWORDLESS = any_of(r"""
    passwordless | without (?:a |your )?password | ohne (?:ein )?(?:pass|kenn)wort | passwortlos
    sans mot de passe
    sin contrasena | sem senha | senza password | zonder wachtwoord | wachtwoordloos | bez hasl
    без парол
    sifresiz | parolasiz | 免密 | 無密碼 | パスワードなし | パスワード不要 | パスワードレス
    비밀번호 없이
    بدون كلمة | ללא סיסמ | tanpa kata sandi | khong can mat khau | utan losenord
    uden adgangskode | χωρισ κωδικ
""")

URL_UNSUBSCRIBE = any_of(r"unsub | opt-?_?out | list-?manage/unsub | optouts?")
URL_RESET = any_of(r"reset | recover | passw | lostpass | forgot | set-?_?pass")
URL_INVITE = any_of(r"invit | /join[/?=-]")
URL_CONFIRM = any_of(
    r"confirm | verif | activat | validat | signup | subscribe/ | optin | opt-in | email/change"
)
URL_MAGIC = any_of(r"magic | passwordless | auth/callback")
URL_SIGN_IN = any_of(r"/log-?_?in | /sign-?_?in | one-?time")

TRADE = any_of(r"""
    \border | purchase | reserv | booking | meeting | webinar | shipment | delivery | \bevent
    invoice | payment
    bestell | liefer | termin | rechnung | buchung | commande | livraison | reunion | pedido
    entrega | ordine | spedizion
    bestel | afspraak | zamowien | spotkan | заказ | доставк | встреч | замовлен | siparis
    toplanti
    订单 | 訂單 | 会议 | 會議 | 发票 | 發票 | 注文 | 予約 | 会議 | 주문 | 예약 | 회의
    رقم الطلب | اجتماع | משלוח | פגישה
    ऑर्डर | बैठक | pesanan | rapat | don hang | cuoc hop | คำสั่งซื้อ | ประชุม | bestallning
    mote | objednav | schuzk | παραγγελι | συναντησ
""")
"""What else is confirmed and joined."""
