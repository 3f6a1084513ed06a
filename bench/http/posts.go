package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"

	"github.com/actionhero-go/actionhero"
)

// The servers of the lanes with a body: an action with five checked inputs, and the same by other frameworks.
const postPath = "/api/order"

// purchase is the input: 185 bytes of JSON in postBody.
type purchase struct {
	Name  string   `json:"name" required:"true" minLength:"1" maxLength:"80" doc:"the name of the customer"`
	Code  string   `json:"code" required:"true" minLength:"4" maxLength:"12" doc:"the code of the item"`
	Count int      `json:"count" required:"true" minimum:"1" maximum:"100" doc:"how many"`
	Price float64  `json:"price" required:"true" minimum:"0" maximum:"10000" doc:"the price of one"`
	Tags  []string `json:"tags" maxItems:"10" doc:"the tags of the order"`
}

// Receipt is the output.
type Receipt struct {
	Total float64  `json:"total"`
	Label string   `json:"label"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`
}

// postAnswer is the answer of every server: the JSON that the action sends.
type postAnswer struct {
	Receipt
	Server    server        `json:"serverInformation"`
	Requestor postRequestor `json:"requestorInformation"`
	Error     string        `json:"error"`
}

type postRequestor struct {
	Address string `json:"remoteAddress"`
}

var postBody = func() string {
	body, err := json.Marshal(purchase{"Ada Lovelace of Marylebone", "AB-12345", 3, 19.95, []string{"books", "gift", "express delivery", "fragile goods", "customer since 1842", "to be delivered on Fri"}})
	if err != nil {
		panic(err)
	}
	return string(body)
}()

var errOrder = errors.New("the order is invalid")

// check is what the tags of purchase say, as one writes it without a framework that checks.
func (o *purchase) check() error {
	if o.Name == "" || len(o.Name) > 80 || len(o.Code) < 4 || len(o.Code) > 12 || o.Count < 1 || o.Count > 100 || o.Price < 0 || o.Price > 10000 || len(o.Tags) > 10 {
		return errOrder
	}
	return nil
}

func (o *purchase) receipt() Receipt {
	return Receipt{float64(o.Count) * o.Price, strings.ToUpper(o.Code), o.Name, o.Tags}
}

func newPostAnswer(begun time.Time, address string, o purchase) postAnswer {
	now := time.Now()
	return postAnswer{
		o.receipt(), server{"actionHero API", "0.1.0", now.Sub(begun).Milliseconds(), now.UnixMilli()},
		postRequestor{address}, "OK",
	}
}

// postPeers are the servers of the lanes with a body. The first is the baseline.
var postPeers = []string{"net/http, POST", ourPosts, "gin, POST", "echo, POST", "huma, POST", "hertz, POST", "fiber, POST"}

const ourPosts = "actionhero, POST"

func init() {
	peers["net/http, POST"] = func(addr string) error {
		mux := http.NewServeMux()
		mux.HandleFunc("POST "+postPath, func(w http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			var o purchase
			if err := errors.Join(json.NewDecoder(r.Body).Decode(&o), o.check()); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(newPostAnswer(begun, hostOf(r.RemoteAddr), o)); err != nil {
				panic(err) // the values always encode
			}
		})
		return http.ListenAndServe(addr, mux)
	}
	peers["gin, POST"] = func(addr string) error {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.POST(postPath, func(c *gin.Context) {
			begun := time.Now()
			var o purchase
			if err := errors.Join(c.ShouldBindJSON(&o), o.check()); err != nil {
				c.String(http.StatusBadRequest, err.Error())
				return
			}
			c.JSON(http.StatusOK, newPostAnswer(begun, c.RemoteIP(), o))
		})
		return http.ListenAndServe(addr, r)
	}
	peers["echo, POST"] = func(addr string) error {
		e := echo.New()
		e.POST(postPath, func(c *echo.Context) error {
			begun := time.Now()
			var o purchase
			if err := errors.Join(c.Bind(&o), o.check()); err != nil {
				return c.String(http.StatusBadRequest, err.Error())
			}
			return c.JSON(http.StatusOK, newPostAnswer(begun, c.RealIP(), o))
		})
		return http.ListenAndServe(addr, e)
	}
	peers["huma, POST"] = func(addr string) error {
		r := chi.NewRouter()
		huma.Post(humachi.New(r, huma.DefaultConfig("bench", "0.1.0")), postPath, func(_ context.Context, in *humaOrder) (*humaReceipt, error) {
			return &humaReceipt{newPostAnswer(time.Now(), in.address, in.Body.purchase())}, nil
		})
		return http.ListenAndServe(addr, r)
	}
	peers["fiber, POST"] = func(addr string) error {
		app := fiber.New()
		app.Post(postPath, func(c fiber.Ctx) error {
			begun := time.Now()
			var o purchase
			if err := errors.Join(c.Bind().Body(&o), o.check()); err != nil {
				return c.Status(http.StatusBadRequest).SendString(err.Error())
			}
			return c.JSON(newPostAnswer(begun, c.IP(), o))
		})
		return app.Listen(addr, fiber.ListenConfig{DisableStartupMessage: true})
	}
	peers[ourPosts] = servePosts
}

// humaOrder is purchase with the tags of huma, which differ for a member that may be missing.
type humaOrder struct {
	remote
	Body humaBody
}

type humaBody struct {
	_     struct{} `additionalProperties:"true"`
	Name  string   `json:"name" minLength:"1" maxLength:"80"`
	Code  string   `json:"code" minLength:"4" maxLength:"12"`
	Count int      `json:"count" minimum:"1" maximum:"100"`
	Price float64  `json:"price" minimum:"0" maximum:"10000"`
	Tags  []string `json:"tags,omitempty" maxItems:"10"`
}

func (b *humaBody) purchase() purchase { return purchase{b.Name, b.Code, b.Count, b.Price, b.Tags} }

type humaReceipt struct{ Body postAnswer }

func servePosts(addr string) error {
	s, err := newServer(addr, actionhero.Action[purchase, Receipt]{
		Name: "order", Access: actionhero.Public,
		Run: func(_ context.Context, o purchase) (Receipt, error) { return o.receipt(), nil },
	})
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}

// postOf returns a request with postBody, and with a further member that no server knows until the body has about size bytes.
func postOf(size int) string {
	body := postBody
	if missing := size - len(body) - len(`,"more":""`); missing > 0 {
		body = body[:len(body)-1] + `,"more":"` + strings.Repeat("m", missing) + `"}`
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", postPath, len(body), body)
}

// checkPost sends one request with a body and one that is invalid, and returns an error if an answer is not the expected one.
func checkPost(addr string) error {
	bad, err := http.Post("http://"+addr+postPath, "application/json", strings.NewReader(strings.Replace(postBody, `"count":3`, `"count":0`, 1)))
	if err != nil {
		return err
	}
	_ = bad.Body.Close()
	if bad.StatusCode/100 != 4 {
		return fmt.Errorf("an invalid order is answered with %s", bad.Status)
	}
	resp, err := http.Post("http://"+addr+postPath, "application/json", strings.NewReader(postBody))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var got postAnswer
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	var o purchase
	if err := json.Unmarshal([]byte(postBody), &o); err != nil {
		return err
	}
	want := newPostAnswer(time.Now(), "127.0.0.1", o)
	want.Server = got.Server
	wanted, err := json.Marshal(want)
	if err != nil {
		return err
	}
	have, err := json.Marshal(got)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || got.Server.Name == "" || !bytes.Equal(have, wanted) {
		return fmt.Errorf("unexpected answer: %s %s", resp.Status, body)
	}
	return nil
}
