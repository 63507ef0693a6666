"""What mails call codes, and what they call numbers that are none, in some thirty languages.

Most are written as they fold (see :mod:`tempmail.mail.folding`), without accents.  Fragments stand
for all words that they occur in, which serves compounds, inflections and scripts without spaces;
``\\b`` marks those that would occur in too many.
"""

# The words stand in the scripts of their languages.
# ruff: noqa: RUF001

from __future__ import annotations

import re

from tempmail.mail.vocabulary import any_of

CODE = any_of(r"""
    code(?<!\bencode)(?<!\bdecode)(?<!\bunicode)s?\b(?! (?:review|cover|quality|of cond|style|base))
    \bpins?\b | \botps?\b | \btan\b | \b2fa\b | one.time pass | verification number
    ziffernfolge | einmal.?(?:pass|kenn)wort | mot de passe (?:a usage unique|temporaire)
    codigos? | \bclave\b | contrasena de un solo uso | senha (?:unica|temporaria|de uso unico)
    codic[ei] | password (?:monouso|temporanea|usa e getta)
    kod(?!ak|ex|ein) | kood | \bcod(?:ul)?\b | haslo jednorazowe | jednorazowe haslo
    engangs(?:pass|losen)ord
    jednorazove heslo | tek kullanimlik (?:sifre|parola) | dogrulama sifre
    \bкод(?:а|у|е|ом|ы|ове|ът)?\b | одноразов\w* парол | \bпин\b
    κωδικ | συνθηματικ\w* μιασ χρησησ
    验证码 | 驗證碼 | 校验码 | 動態碼 | 动态码 | 认证码 | 認證碼 | 安全码 | 安全碼 | 确认码
    確認碼
    激活码 | 啟用碼 | 登录码 | 登入碼 | 代码 | 代碼 | 口令
    (?:一次性|动态|動態|临时|臨時)密[码碼]
    コード | (?:認証|確認|暗証|検証)番号 | ワンタイムパス
    코드 | (?:인증|확인|보안) ?번호 | 일회용 비밀번호 | 핀번호
    رمز | \bال?كود\b | كلمة (?:ال)?مرور لمرة واحدة | کد\b
    \b[הבול]?קוד\b | סיסמה חד.פעמית | \bסיסמת\b
    कोड | ओटीपी | ओ\.टी\.पी | কোড
    sandi sekali pakai | \bnhap ma\b
    \bma (?:xac|otp|pin\b|kich hoat|dang nhap|bao mat|code|truy cap|dat lai|mot lan|dung mot)
    \bma (?:cua (?:ban|quy)|nay|het han|co hieu)
    รหัส(?!ผ่าน) | โอทีพี | รหัสผ่าน(?:แบบ)?ใช้ครั้งเดียว
""")

STRONG = any_of(r"""
    verif | confirm | secur | one.time | single.use | login | log.in | sign.?in | access
    authenti | two.step | 2fa
    activation | temporary | \botp
    bestatig | sicherheit | einmal | anmelde | zugang | connexion | usage unique | acces
    acceso
    seguridad | un solo uso | seguranca | uso unico | conferma | sicurezza | monouso | inlog
    bevestig
    weryfik | potwierdz | jednoraz | подтверд | подтвержд | провероч | одноразов | вход | підтверд
    одноразов | вход
    dogrulama | onay | giris | tek kullanim | 验证 | 驗證 | 动态 | 動態 | 一次性 | 認証 | 確認
    ワンタイム
    인증 | 일회용 | تحقق | تاكيد | دخول | אימות | חד.פעמי | सत्यापन | ओटीपी | verifikasi
    xac (?:thuc|minh|nhan)
    ยืนยัน | โอทีพี | engang | verifier | bekraft | overova | potvrz | επαληθευσ | επιβεβαιωσ
    vahvistus | bekreft
""")

OTHER_NUMBER = any_of(r"""
    \border | purchase | invoice | receipt | tracking | shipment | parcel | ticket
    \bcase (?:no|number|id|#)
    \brefs?\b | reference | booking | reservation
    customer.?(?:id|no|number|code|ref) | client.?(?:id|no|number|code|ref)
    member.?(?:id|no|number|code|ref) | membership.?(?:id|no|number|code|ref)
    account (?:no|number|id|ending)
    \bcard\b | ending (?:in|with) | phone | \btel\b | \bfax\b | promo | coupon | discount
    voucher | gift | referral
    \bzip\b | post.?code | postal
    area.?code | country.?code | sort.?code | source.?code | dress.?code | error.?code
    status.?code | exit.?code | response.?code | approval.?code | colou?r.?code
    swift.?code | bar.?code | qr.?code
    barcode | errors?\b | terminal | meeting | conference | dial | flight | \bseat | \bsku\b
    \bitems?\b | product
    isbn | \bcve\b | \bissue \#? | \blines? | \bbuild | \bjob\b | pipeline | \bcommit | version
    serial | \bmodel | \bvat\b | \btax\b
    \biban\b | \bbic\b | routing | \breg\b | company no | amount | \btotal | balance | checkout
    statement | subtotal
    bestell | auftrag | rechnung | kunden.?(?:n|id|code) | sendung | artikel | gutschein | rabatt
    postleit
    \bplz\b | telefon | \bkonto(?:nummer|-nr)
    verwendungszweck | steuer | \bbetrag | vorgangsn | aktenzeichen | kontoauszug
    commande | facture | suivi | colis | reduction | remise | telephone | montant | siret
    siren | reservation
    pedido | factura | seguimiento | rastreo | envio
    codice(?: del?| do)? cliente | codigo(?: del?| do)? cliente | numero(?: del?| do)? cliente
    id(?: del?| do)? cliente | producto | descuento | cupon
    importe | telefono | promocional | referencia
    rastreio | rastreamento | fatura | nota fiscal | desconto | cupom | produto | \bcep\b
    \bcpf\b | \bcnpj\b | chave de acesso | \bvalor\b
    ordine | fattura | spedizione | tracciamento | sconto | fiscale | destinatario | prodotto
    importo | \bcap\b | numero verde | buono
    bestel | factuur | klant.?(?:n|id|code) | bezorg | pakket | korting | bedrag | postc | verzend
    zamowieni | faktur | przesylk | paczk | numer klient | kod klient | id klient | rabat | znizk
    kwot
    pocztow | towar
    заказ | накладн | трек | отправлени | товар | промо | скидк | сумм | индекс | счет | телефон
    номер клиент | код клиент | id клиент | бронирован
    замовлен | відправлен | знижк | рахун | номер клієнт | код клієнт | id клієнт | замовник
    посилк
    siparis | fatura | kargo | indirim | kupon | promosyon | tutar | posta kodu | urun
    musteri (?:no|num|kod)
    订单 | 訂單 | 运单 | 快递 | 物流 | 追蹤 | 包裹 | 发票 | 發票 | 优惠 | 優惠 | 折扣 | 邮编
    邮政 | 郵遞 | 郵政 | 电话 | 電話 | 金额 | 金額 | 商品 | 客户(?:编号|号|代码)
    客戶(?:編號|代碼) | 促销 | 兑换 | 取件
    注文 | 請求 | 追跡 | 問い合わせ | 問合せ | 伝票 | 商品 | クーポン | 割引 | 郵便 | 電話
    お客様番号 | 会員番号 | 予約 | 合計 | ギフト
    주문 | 송장 | 운송장 | 할인 | 쿠폰 | 우편 | 고객 ?번호 | 상품 | 청구 | 금액 | 전화 | 예약
    رقم الطلب | طلبك رقم | طلبية | طلب رقم | تتبع | فاتورة | خصم | قسيمة | بريدي | هاتف | مبلغ
    المنتج
    הזמנ | מעקב | חשבונית | קופון | הנחה | מיקוד | טלפון | סכום | מוצר
    ऑर्डर | चालान | छूट | कूपन | पिन कोड | फ़ोन | राशि | ट्रैकिंग
    pesanan | resi\b | diskon | kupon | pos\b | belanja | produk | tagihan
    don hang | van don | hoa don | giam gia | khuyen mai | buu (?:chinh|dien|chi) | san pham
    ma khach hang
    คำสั่งซื้อ | พัสดุ | ส่วนลด | ไปรษณีย์ | สินค้า | ใบเสร็จ | ยอด
    ordern | orderb | kundn | spar(?:a|nings) | kvitto | belopp | telefon | leverans | \bocr\b
    objednav | zasilk | faktur | slev | psc\b | zbozi | zakaznick\w* (?:cislo|kod)
    cislo zakaznik | symbol
    παραγγελι | αποστολησ | τιμολογι | εκπτωσ | ταχυδρομικ | κουπον | κωδικ\w* πελατ
    αριθμ\w* πελατ
    προιοντ
    tilaus | rendeles | comand | ordre | bestilling
""")
"""What stands beside a number, or before the word for code, where it is another kind of one."""

ASKS = any_of(r"""
    \benter | \btype | \buse\b | \binput | \bpaste | \binsert | \bsubmit
    eingeben | \bgib\b | \bgeben\b | verwende | \bnutze | eintippen | saisi | entrez | utilise
    tapez | renseigne
    introdu[cz] | ingres | \busa\b | \buse\b | utili[czs] | teclea | digit | insir | inser
    vul | voer | gebruik | toets | wpisz | podaj | uzyj | wprowadz | введ | использу | укажи
    вкаж | використа
    \bgir(?:in|iniz|erek)?\b | kullan | yazin | 输入 | 輸入 | 填写 | 填寫 | 使用 | 入力 | 입력
    사용
    ادخل | استخدم | ادخال | הזן | הזינו | הקלד | הקישו | दर्ज | डालें | उपयोग | प्रयोग
    masuk | gunakan | nhap | su dung | กรอก | ใส่ | ใช้ | skriv | \bange\b | anvand | zadej
    pouzij | vloz
    εισαγ | πληκτρολογ | γραψ | χρησιμοποι | indtast | brug | oppgi | bruk | syota | kayta
    irja | introduceti
""")

BARGAIN = any_of(r"""
    % | checkout | \boff\b | discount | sale\b | rabatt | gutschein | promo | reduction
    descuento | desconto
    sconto | korting | znizk | rabat | скидк | знижк | indirim | 折 | 优惠 | 優惠 | 割引 | 할인
    خصم | הנחה | छूट
    diskon | giam | ส่วนลด | slev | εκπτωσ
""")

UNIT = re.compile(
    r" ?(?:%|‰|°|[$€£¥₹₽₩฿₫₺₪₴]|円|元|원|圆|点|件|年|月|日|時|时|号|號|회|개|년|월|일|บาท|грн|руб"
    r"|(?:usd|eur|gbp|chf|pln|tl|try|kr|sek|nok|dkk|czk|huf|zl|kc|ft|lei|mxn|brl|inr|idr|vnd"
    r"|px|pt|kb|mb|gb|km|kg|cm|mm|ml|kwh|points?|pts|years?|days?|hours?|minut\w*+|min|sec\w*+"
    r"|ms|users?|people|lines?|items?|words?|tage?n?|stunden|sekunden|jours?|heures?|secondes?"
    r"|dias?|horas?|giorni|ore|dagen|uur|dni|godzin|дн\w*+|час\w*+|мин\w*+|сек\w*+|хв\w*+)\b)"
)
"""What makes the number before it an amount."""

CURRENCY = re.compile(r"(?:[$€£¥₹₽₩฿₫₺₪₴]|\b(?:usd|eur|gbp|chf|rs|rp|kr|tl)) ?$")
