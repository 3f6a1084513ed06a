package actionhero_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// users is what an app keeps its users in: a database, or here a map.
type users struct{ byEmail map[string]int }

type createUserInput struct {
	Email string `json:"email" required:"true" format:"email" doc:"the address we write to"`
	Age   int    `json:"age" minimum:"18" default:"18"`
}

type createUserOutput struct {
	ID int `json:"id"`
}

func (u *users) create(_ context.Context, in createUserInput) (createUserOutput, error) {
	if u.byEmail[in.Email] != 0 {
		return createUserOutput{}, actionhero.Errorf(actionhero.CodeAlreadyExists, "%s is taken", in.Email)
	}
	u.byEmail[in.Email] = len(u.byEmail) + 1
	return createUserOutput{u.byEmail[in.Email]}, nil
}

// The tags of the input check it before Run is called. Run is a method of the struct that holds the database.
func ExampleAction() {
	u := &users{byEmail: map[string]int{}}
	createUser := actionhero.Action[createUserInput, createUserOutput]{
		Name:        "createUser",
		Description: "Creates a user",
		Route:       "POST /users",
		Timeout:     5 * time.Second,
		Run:         u.create,
	}
	api, stop := startAPI(createUser)
	defer stop()

	for _, params := range []map[string]string{
		{"email": "ann@example.com"},
		{"email": "ann@example.com"},
		{"email": "bob@example.com", "age": "17"},
		{"age": "20"},
	} {
		fmt.Println(request(api, "createUser", params))
	}
	// Output:
	// {1} <nil>
	// <nil> ann@example.com is taken
	// <nil> age must be at least 18
	// <nil> email is a required parameter for this action
}

// An action calls another one with Call, through the same middleware and checks as a client.
func ExampleAction_Call() {
	type input struct {
		Numbers []int `json:"numbers" required:"true" minItems:"1"`
	}
	sum := actionhero.Action[input, addOutput]{
		Name:        "sum",
		Description: "Adds any number of numbers",
		Run: func(ctx context.Context, in input) (total addOutput, err error) {
			api := actionhero.RequestFrom(ctx).API
			for _, n := range in.Numbers {
				if total, err = add.Call(ctx, api, addInput{A: total.Sum, B: n}); err != nil {
					return addOutput{}, err
				}
			}
			return total, nil
		},
	}
	api, stop := startAPI(add, sum)
	defer stop()

	ctx := context.Background()
	fmt.Println(sum.Call(ctx, api, input{[]int{1, 20, 300}}))
	fmt.Println(sum.Call(ctx, api, input{[]int{1, 5000}}))
	// Output:
	// {321} <nil>
	// {0} b must be at most 1000
}

// The API describes its actions: actionsView sends this to clients.
func ExampleAPI_Actions() {
	api, stop := startAPI(add)
	defer stop()

	for _, action := range api.Actions() {
		fmt.Printf("%s: %s\n", action.Name, action.Description)
		for _, in := range action.Inputs {
			fmt.Println(in.Name, in.Type, in.Required)
		}
	}
	// Output:
	// add: Adds two numbers
	// a integer true
	// b integer false
}

// RequestFrom returns the request that an action answers.
func ExampleRequestFrom() {
	whoAmI := actionhero.Action[actionhero.None, map[string]string]{
		Name:        "whoAmI",
		Description: "Returns the transport of the caller, and its connection if the transport keeps one",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			req := actionhero.RequestFrom(ctx)
			out := map[string]string{"transport": req.Transport}
			if req.Conn != nil {
				out["id"], out["room"] = req.Conn.ID, req.Conn.Room()
			}
			return out, nil
		},
	}
	api, stop := startAPI(whoAmI)
	defer stop()

	fmt.Println(request(api, "whoAmI", nil))
	fmt.Println(whoAmI.Call(context.Background(), api, actionhero.None{}))
	// Output:
	// map[transport:web] <nil>
	// map[transport:internal] <nil>
}

// An action that returns a Content sends bytes instead of an object. The transport closes the body.
func ExampleContent() {
	export := actionhero.Action[actionhero.None, *actionhero.Content]{
		Name:        "export",
		Description: "Returns all users as a CSV file",
		Route:       "GET /users.csv",
		Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
			body := strings.NewReader("id,email\n1,ann@example.com\n")
			return &actionhero.Content{Body: body, Name: "users.csv", Size: body.Size()}, nil
		},
	}
	api, stop := startAPI(export)
	defer stop()

	file, err := export.Call(context.Background(), api, actionhero.None{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	text, err := io.ReadAll(file.Body)
	fmt.Print(file.Name, " ", file.Size, " ", err, "\n", string(text))
	// Output:
	// users.csv 27 <nil>
	// id,email
	// 1,ann@example.com
}

// An input of type *File is an uploaded file. It can be read until the action returns.
func ExampleFile() {
	type input struct {
		Notes *actionhero.File `json:"notes" required:"true"`
	}
	countLines := actionhero.Action[input, map[string]int]{
		Name:        "countLines",
		Description: "Counts the lines of an uploaded file",
		Run: func(_ context.Context, in input) (map[string]int, error) {
			text, err := io.ReadAll(in.Notes)
			return map[string]int{"lines": strings.Count(string(text), "\n")}, err
		},
	}
	api, stop := startAPI(countLines)
	defer stop()

	req := transport.Of(api).NewRequest("web") // a transport does this for each upload
	req.Action = "countLines"
	notes := &actionhero.File{Name: "notes.txt", ReadSeeker: strings.NewReader("milk\neggs\n")}
	if err := transport.ParamsOf(&req.Params).AddFile("notes", notes); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(transport.Of(api).Dispatch(context.Background(), req))
	// Output: map[lines:2] <nil>
}
