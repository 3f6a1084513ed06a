package main

import (
	"bufio"
	"errors"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/generate"
)

// answering returns questions that are answered with the lines of a text.
func answering(text string, out *strings.Builder) *questions {
	lines := bufio.NewScanner(strings.NewReader(text))
	return &questions{out: out, prompt: func(question string) (string, error) {
		out.WriteString(question)
		if !lines.Scan() {
			return "", errNoAnswer
		}
		return lines.Text(), nil
	}}
}

// A wrong answer is explained, and the question is asked again. An empty answer is the default.
func TestQuestionsFillAPart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, name, answers string
		want                generate.Part
	}{
		{"action", "", "a b\nusers:create\nCreates a user\nname:strin\nname:string!\n\nPOST users\nPOST /users\n",
			generate.Part{Kind: "action", Name: "users:create", Description: "Creates a user", Inputs: "name:string!", Route: "POST /users"}},
		{"action", "hello", "\n\nread\n\n", generate.Part{Kind: "action", Name: "hello", Effect: "read"}},
		{"task", "tick", "\n\n90\n90s\nall\n", generate.Part{Kind: "task", Name: "tick", Frequency: "90s", Scope: "all"}},
		{"middleware", "audit", "\none\n", generate.Part{Kind: "middleware", Name: "audit", Scope: "one"}},
		{"room", "lobby", "Where all meet\n", generate.Part{Kind: "room", Name: "lobby", Description: "Where all meet"}},
	} {
		part := generate.Part{Kind: tt.kind, Name: tt.name}
		var out strings.Builder
		err := answering(tt.answers, &out).ask(&part)
		if err != nil || part != tt.want {
			t.Errorf("%s: %+v, %v\n%s", tt.kind, part, err, &out)
		}
	}
}

func TestQuestionsExplainAWrongAnswer(t *testing.T) {
	t.Parallel()
	part := generate.Part{Kind: "action"}
	var out strings.Builder
	err := answering("1st\n", &out).ask(&part)
	if !errors.Is(err, errNoAnswer) || !strings.Contains(out.String(), `the name "1st" is not allowed: use a letter`) || strings.Count(out.String(), "Name, such as") != 2 {
		t.Errorf("%v: %s", err, &out)
	}
	part = generate.Part{Kind: "action", Name: "1st"}
	if err := answering("", &out).ask(&part); err == nil || !strings.Contains(err.Error(), "1st") {
		t.Errorf("for a wrong name on the command line, the error is %v", err)
	}
}
