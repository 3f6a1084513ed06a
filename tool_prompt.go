package actionhero

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Prompt makes an action a prompt of AI agents over MCP, if package mcp is a part of the app: a text that a user chooses, for
// example in a menu, and that begins or continues a conversation. The action returns [PromptMessages]. Its inputs are the
// arguments of the prompt.
type Prompt struct {
	Name        string // for programs; default: the name of the action
	Title       string // for people; default: none
	Description string // default: the Description of the action
}

// PromptMessages is the output of an action that is a [Prompt].
type PromptMessages struct {
	Messages []PromptMessage `json:"messages" doc:"in the order of the conversation"`
}

// PromptMessage is one message of a prompt: a text, or bytes with a media type.
type PromptMessage struct {
	Role      string `json:"role,omitempty" enum:"user,assistant" doc:"from whom the message is; default: user"`
	Text      string `json:"text,omitempty"`
	Data      []byte `json:"data,omitempty" doc:"an image, a sound or a file, in place of Text"`
	MediaType string `json:"mediaType,omitempty" doc:"of Data, or of Text with a URI"`
	URI       string `json:"uri,omitempty" doc:"makes the message a resource with this URI"`
}

var promptType = reflect.TypeFor[PromptMessages]()

// setPrompt stores the prompt of the action with its defaults, or returns an error if the action cannot be one.
func (act *action) setPrompt(declared *Prompt) error {
	if declared == nil {
		return nil
	}
	info, p := &act.info, *declared
	p.Name, p.Description = cmp.Or(p.Name, info.Name), cmp.Or(p.Description, info.Description)
	var err error
	switch {
	case strings.TrimSpace(p.Name) != p.Name || len(p.Name) > 64:
		err = fmt.Errorf("its Prompt has the name %q: use up to 64 bytes without spaces around them", p.Name)
	case act.outType != promptType:
		err = errors.New("it is a Prompt, but its output is not actionhero.PromptMessages")
	case len(info.Transports) > 0 && !slices.Contains(info.Transports, TransportMCP):
		err = errors.New("it is a Prompt, but its Transports lack TransportMCP: add it, or remove Prompt")
	}
	for _, in := range info.Inputs {
		if in.Required && in.Format == "binary" {
			err = fmt.Errorf("it is a Prompt and requires the file %q, which a prompt cannot have: remove Prompt", in.Name)
		}
	}
	if err != nil {
		return fmt.Errorf("action %q: %w", info.Name, err)
	}
	info.Prompt = &p
	return nil
}
