package mail

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"

	"bedside/store"
)

//go:embed templates
var files embed.FS

// templates writes messages. The text of each message is in mail.txt; its plain and its HTML part
// are both made from that.
type templates struct {
	text *text.Template
	page *html.Template // the frame of the HTML part
}

func parseTemplates() (*templates, error) {
	text, err := text.New("mail").Option("missingkey=error").ParseFS(files, "templates/mail.txt")
	if err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	page, err := html.ParseFS(files, "templates/mail.html")
	if err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	return &templates{text: text, page: page}, nil
}

// content has the values that a template may use.
type content struct {
	Name, Site, Link, Until, When, IP, Device, What string
}

// paragraph is either some lines or a link with its label.
type paragraph struct {
	Lines       []string
	Label, Link string
}

// write returns the message that a template makes, without its recipient. It returns
// store.ErrInvalid when there is no such template.
func (t *templates) write(template store.MailTemplate, c content) (m Message, err error) {
	var b bytes.Buffer
	if err := t.text.ExecuteTemplate(&b, string(template), c); err != nil {
		return m, fmt.Errorf("mail template: %w: %w", store.ErrInvalid, err)
	}
	subject, body, _ := strings.Cut(b.String(), "\n\n")
	var paragraphs []paragraph
	var plain []string
	for part := range strings.SplitSeq(body, "\n\n") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p := paragraph{Lines: strings.Split(part, "\n")}
		if label, link, ok := strings.Cut(part, "]("); ok && strings.HasPrefix(part, "[") &&
			strings.HasSuffix(link, ")") {
			p = paragraph{Label: label[1:], Link: strings.TrimSuffix(link, ")")}
			part = p.Label + ":\n" + p.Link
		}
		paragraphs, plain = append(paragraphs, p), append(plain, part)
	}
	var h bytes.Buffer
	if err := t.page.Execute(&h, map[string]any{
		"Subject": subject, "Paragraphs": paragraphs,
	}); err != nil {
		return m, fmt.Errorf("mail template: %w", err)
	}
	return Message{
		Subject: subject, Text: strings.Join(plain, "\n\n") + "\n", HTML: h.String(),
	}, nil
}
