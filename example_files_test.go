package actionhero_test

import (
	"errors"
	"fmt"
	"io"
	"testing/fstest"

	"github.com/actionhero-go/actionhero"
)

// Embed sets the files to serve if the folder general.flatFileDirectory does not exist: usually an embed.FS, so that the
// program is one file.
func ExampleFiles_Embed() {
	files := actionhero.Initializer{Name: "files", Setup: func(api *actionhero.API) error {
		api.Files.Embed(fstest.MapFS{
			"index.html":     {Data: []byte("<h1>Hello</h1>")},
			"docs/guide.txt": {Data: []byte("Read me")},
		})
		return nil
	}}
	api, stop := startAPI(files)
	defer stop()

	for _, name := range []string{"/", "docs/guide.txt", "docs", "../secret"} {
		file, err := api.Files.Open(name)
		if err != nil {
			fmt.Println(name, errors.Is(err, actionhero.ErrIndexNotFound), errors.Is(err, actionhero.ErrFileNotFound))
			continue
		}
		text, err := io.ReadAll(file.Body)
		fmt.Println(name, file.Name, string(text), err)
		_ = file.Close()
	}
	// Output:
	// / index.html <h1>Hello</h1> <nil>
	// docs/guide.txt guide.txt Read me <nil>
	// docs true false
	// ../secret false true
}
