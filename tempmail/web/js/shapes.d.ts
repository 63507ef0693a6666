// What the API answers, as far as the page uses it; for the type checker alone, served to nobody.

export interface Code {
  value: string;
  confidence: number;
  context: string;
}
export interface Link {
  href: string;
  text: string;
  kind: string;
}
export interface Attachment {
  index: number;
  filename: string;
  content_type: string;
  size: number;
  content_id: string | null;
  inline: boolean;
  blocked: boolean;
}
export interface Finding {
  result: string;
  reason: string;
  domain: string | null;
}
export interface Summary {
  id: string;
  seq: number;
  from_address: string;
  from_name: string;
  subject: string;
  preview: string | null;
  received_at: string;
  size: number;
  is_read: boolean;
  attachment_count: number | null;
  codes: Code[];
}
export interface Message extends Summary {
  body_text: string;
  body_html: string;
  html_url: string;
  headers: { name: string; value: string }[];
  attachments: Attachment[];
  links: Link[];
  authentication: { spf: Finding | null; dkim: Finding | null; dmarc: Finding | null };
}
export interface Mailbox {
  address: string;
  expires_at: string;
  created_at: string;
  last_seq: number;
  session_token?: string;
}
