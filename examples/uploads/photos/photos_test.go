package photos_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/uploads/photos"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

// open opens a folder of photos and a client of its actions.
func open(t *testing.T) (folder string, client *actionherotest.HTTPClient) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "photos")
	store, err := photos.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return folder, actionherotest.HTTP(t, actionherotest.NewServer(t, store.Parts()))
}

// upload sends a file as a form of a page does.
func upload(t *testing.T, client *actionherotest.HTTPClient, name, content string) *actionherotest.Response {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	client.Header.Set("Content-Type", form.FormDataContentType())
	return client.Do("POST", "/photos", body.Bytes())
}

func TestAPhotoComesBack(t *testing.T) {
	t.Parallel()
	_, client := open(t)
	resp := upload(t, client, "../../holiday.exe", png)
	var out photos.AddOutput
	if resp.Decode(&out); resp.Status != http.StatusOK || !strings.HasSuffix(out.Name, ".png") {
		t.Fatalf("the answer is %d %s", resp.Status, resp.Body)
	}
	shown := client.Do("GET", "/photos/"+out.Name, nil)
	if shown.Status != http.StatusOK || string(shown.Body) != png || shown.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the photo is %d %s %q", shown.Status, shown.Header.Get("Content-Type"), shown.Body)
	}
}

func TestOnlyPhotosAreKept(t *testing.T) {
	t.Parallel()
	folder, client := open(t)
	for name, content := range map[string]string{
		"a page": "<html><script>alert(1)</script>", "a program": "\x7fELF", "nothing": "", "too much": png + strings.Repeat("x", 5<<20),
	} {
		if resp := upload(t, client, "photo.png", content); resp.Status != http.StatusBadRequest {
			t.Errorf("%s: the answer is %d %s", name, resp.Status, resp.Body)
		}
	}
	if kept, err := os.ReadDir(folder); err != nil || len(kept) != 0 {
		t.Errorf("the folder has %v, %v", kept, err)
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	folder, client := open(t)
	if err := os.WriteFile(filepath.Join(folder, "..", "secret.png"), []byte(png), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{
		"/api/photos:show?name=../secret.png": http.StatusBadRequest, "/photos/..%2Fsecret.png": http.StatusBadRequest,
		"/photos/AAAAAAAAAAAAAAAAAAAAAAAAAA.png": http.StatusNotFound,
	} {
		if resp := client.Do("GET", path, nil); resp.Status != status {
			t.Errorf("%s: %d %s", path, resp.Status, resp.Body)
		}
	}
}
