// Command conformance is the app that the conformance tests of the Model Context Protocol call. They prescribe the names of its
// tools, resources and prompts. `make mcp` runs them.
package main

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/mcp"
)

func main() {
	cli.Main(
		text, failing, slow, elicits, schema, file("test_image_content", "a.png", pixel), file("test_audio_content", "a.wav", "RIFF"), embedded,
		static("static_text", "test://static-text", "a.txt", "This is the content of the static text resource."),
		static("static_binary", "test://static-binary", "a.png", pixel), template,
		prompt("test_simple_prompt", func(promptInput) []actionhero.PromptMessage {
			return []actionhero.PromptMessage{{Text: "This is a simple prompt for testing."}}
		}),
		prompt("test_prompt_with_arguments", func(in promptInput) []actionhero.PromptMessage {
			return []actionhero.PromptMessage{{Text: "Prompt with arguments: arg1='" + in.Arg1 + "', arg2='" + in.Arg2 + "'"}}
		}),
		prompt("test_prompt_with_embedded_resource", func(in promptInput) []actionhero.PromptMessage {
			return []actionhero.PromptMessage{{URI: in.ResourceURI, MediaType: "text/plain", Text: "Embedded resource content for testing."}, {Text: "Please process it."}}
		}),
		prompt("test_prompt_with_image", func(promptInput) []actionhero.PromptMessage {
			return []actionhero.PromptMessage{{Data: []byte(pixel), MediaType: "image/png"}, {Text: "Please analyze the image above."}}
		}),
		mcp.New(mcp.Options{Title: "Conformance"}),
	)
}

// pixel is an image of one pixel.
var pixel = func() string {
	bytes, _ := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	return string(bytes)
}()

type answer struct {
	Text string `json:"text"`
}

func tool[In, Out any](name string, run func(context.Context, In) (Out, error)) actionhero.Action[In, Out] {
	return actionhero.Action[In, Out]{Name: name, Description: "Tests " + name + ".", Tool: &actionhero.Tool{}, Timeout: 10 * time.Second, Run: run}
}

var text = tool("test_simple_text", func(context.Context, actionhero.None) (answer, error) {
	return answer{"This is a simple text response for testing."}, nil
})

var failing = tool("test_error_handling", func(context.Context, actionhero.None) (answer, error) {
	return answer{}, actionhero.Errorf(actionhero.CodeConflict, "This tool intentionally returns an error for testing")
})

var slow = tool("test_tool_with_progress", func(ctx context.Context, _ actionhero.None) (answer, error) {
	for done := 0.0; done <= 100; done += 50 {
		actionhero.ReportProgress(ctx, done, 100, "working")
		select {
		case <-time.After(120 * time.Millisecond): // reports that are closer are dropped
		case <-ctx.Done():
			return answer{}, ctx.Err()
		}
	}
	return answer{"done"}, nil
})

type messageInput struct {
	Message string `json:"message" required:"true"`
}

// elicits is destructive, so the server asks the user before each call.
var elicits = func() actionhero.Part {
	t := tool("test_elicitation", func(_ context.Context, in messageInput) (answer, error) { return answer{in.Message}, nil })
	t.Kind = actionhero.KindDestructive
	return t
}()

type address struct {
	Street string `json:"street"`
	City   string `json:"city"`
}

type addressInput struct {
	Name    string   `json:"name"`
	Address *address `json:"address"`
}

var schema = tool("json_schema_2020_12_tool", func(_ context.Context, in addressInput) (answer, error) { return answer{in.Name}, nil })

func file(name, of, bytes string) actionhero.Part {
	return tool(name, func(context.Context, actionhero.None) (*actionhero.Content, error) { return content(of, bytes), nil })
}

func content(name, bytes string) *actionhero.Content {
	return &actionhero.Content{Name: name, Body: strings.NewReader(bytes), Size: int64(len(bytes))}
}

var embedded = file("test_embedded_resource", "a.txt", "This is an embedded resource content.")

func static(name, uri, of, bytes string) actionhero.Part {
	return actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: name, Description: "Tests " + uri + ".", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: uri},
		Run: func(context.Context, actionhero.None) (*actionhero.Content, error) { return content(of, bytes), nil },
	}
}

type templateInput struct {
	ID string `json:"id" required:"true"`
}

type templateOutput struct {
	ID           string `json:"id"`
	TemplateTest bool   `json:"templateTest"`
	Data         string `json:"data"`
}

var template = actionhero.Action[templateInput, templateOutput]{
	Name: "template", Description: "Tests a template.", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: "test://template/{id}/data"},
	Run: func(_ context.Context, in templateInput) (templateOutput, error) {
		return templateOutput{in.ID, true, "Data for ID: " + in.ID}, nil
	},
}

type promptInput struct {
	Arg1        string `json:"arg1"`
	Arg2        string `json:"arg2"`
	ResourceURI string `json:"resourceUri"`
}

func prompt(name string, messages func(promptInput) []actionhero.PromptMessage) actionhero.Part {
	return actionhero.Action[promptInput, actionhero.PromptMessages]{
		Name: name, Description: "Tests " + name + ".", Kind: actionhero.KindRead, Prompt: &actionhero.Prompt{},
		Run: func(_ context.Context, in promptInput) (actionhero.PromptMessages, error) {
			return actionhero.PromptMessages{Messages: messages(in)}, nil
		},
	}
}
