// Writes the key exchange vectors of this project, made by the Go module
// github.com/schollz/pake/v3 itself. Output is the same on every run.
//
//	cd test/vectors/go && go run . > ../pake.json
package main

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"runtime/debug"
	"strings"

	"github.com/schollz/pake/v3"
	"github.com/tscholl2/siec"
)

const module = "github.com/schollz/pake/v3"

// curves in the order of the file; order and field bytes decide which cases are interesting.
var curves = []struct {
	name       string
	order      *big.Int
	fieldBytes int
}{
	{"p256", elliptic.P256().Params().N, 32},
	{"p384", elliptic.P384().Params().N, 48},
	{"p521", elliptic.P521().Params().N, 66},
	{"siec", siec.SIEC255().Params().N, 32},
}

type point struct {
	U string `json:"u"`
	V string `json:"v"`
}

// vector is one exchange. Numbers and bytes are hex; coordinates have no leading zeros.
type vector struct {
	Curve    string `json:"curve"`
	Case     string `json:"case"`
	Pw       string `json:"pw"`
	IDA      string `json:"idA"`
	IDB      string `json:"idB"`
	Alpha    string `json:"alpha"`
	Beta     string `json:"beta"`
	X        point  `json:"x"`
	Y        point  `json:"y"`
	Z        point  `json:"z"`
	Plain    string `json:"plainKey"`
	Bound    string `json:"boundKey"`
	MessageA string `json:"messageA,omitempty"`
	MessageB string `json:"messageB,omitempty"`
}

type file struct {
	MadeBy  string   `json:"madeBy"`
	Again   string   `json:"howToMakeItAgain"`
	Format  string   `json:"format"`
	Vectors []vector `json:"vectors"`
}

// secrets is a random source that gives the listed 32 byte scalars, so that the module draws
// the scalars that the case wants.
type secrets struct{ left [][]byte }

func (s *secrets) Read(b []byte) (int, error) {
	if len(s.left) == 0 || len(b) != len(s.left[0]) {
		return 0, fmt.Errorf("unexpected draw of %d bytes", len(b))
	}
	n := copy(b, s.left[0])
	s.left = s.left[1:]
	return n, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type start func(role int) (*pake.Pake, error)

// exchange runs both parties of the module with the given secrets.
func exchange(init start, alpha, beta []byte) (a, b *pake.Pake, messageA, messageB []byte) {
	rand.Reader = &secrets{[][]byte{alpha, beta}}
	a, err := init(0)
	must(err)
	b, err = init(1)
	must(err)
	messageA = a.Bytes()
	must(b.Update(messageA))
	messageB = b.Bytes()
	must(a.Update(messageB))
	if !bytes.Equal(a.Aα, alpha) || !bytes.Equal(b.Aα, beta) {
		panic("the module did not take the given secrets")
	}
	if !bytes.Equal(a.K, b.K) || a.Zᵤ.Cmp(b.Zᵤ) != 0 || a.Zᵥ.Cmp(b.Zᵥ) != 0 {
		panic("the two parties disagree")
	}
	return a, b, messageA, messageB
}

// messages is the case whose JSON messages are kept; one a curve is enough.
const messages = "three words"

func at(u, v *big.Int) point { return point{u.Text(16), v.Text(16)} }

// run makes one vector: one exchange in each form, with the same secrets.
func run(curve, title string, pw, idA, idB, alpha, beta []byte) vector {
	plain, _, messageA, messageB := exchange(func(role int) (*pake.Pake, error) {
		return pake.InitCurve(pw, role, curve)
	}, alpha, beta)
	bound, b, _, _ := exchange(func(role int) (*pake.Pake, error) {
		return pake.InitCurveWithIdentities(pw, role, curve, idA, idB)
	}, alpha, beta)
	if plain.Xᵤ.Cmp(bound.Xᵤ) != 0 || plain.Yᵤ.Cmp(bound.Yᵤ) != 0 || plain.Zᵤ.Cmp(bound.Zᵤ) != 0 {
		panic("the two forms disagree")
	}
	if title != messages {
		messageA, messageB = nil, nil
	}
	return vector{
		Curve: curve, Case: title,
		Pw: hex.EncodeToString(pw), IDA: hex.EncodeToString(idA), IDB: hex.EncodeToString(idB),
		Alpha: hex.EncodeToString(alpha), Beta: hex.EncodeToString(beta),
		X: at(bound.Xᵤ, bound.Xᵥ), Y: at(b.Yᵤ, b.Yᵥ), Z: at(bound.Zᵤ, bound.Zᵥ),
		Plain: hex.EncodeToString(plain.K), Bound: hex.EncodeToString(bound.K),
		MessageA: string(messageA), MessageB: string(messageB),
	}
}

// scalar gives 32 bytes that depend on the label alone.
func scalar(label string) []byte {
	sum := sha256.Sum256([]byte("croc-share vectors " + label))
	return sum[:]
}

// frame joins fields, each preceded by its length as u64 LE.
func frame(fields ...string) []byte {
	var out []byte
	for _, field := range fields {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(field)))
		out = append(out, field...)
	}
	return out
}

// search tries secrets until one coordinate of the named point begins with a zero byte.
func search(curve, which string, fieldBytes int, pw, idA, idB []byte) vector {
	for i := 0; ; i++ {
		label := fmt.Sprintf("%s %s %d", curve, which, i)
		v := run(curve, "leading zero byte in "+which, pw, idA, idB, scalar(label+" a"), scalar(label+" b"))
		p := map[string]point{"x": v.X, "y": v.Y, "z": v.Z}[which]
		// Two hex digits a byte; p521 has only one bit in its first byte, so ask for one byte more.
		short := 2*fieldBytes - 2
		if curve == "p521" {
			short -= 2
		}
		if len(p.U) <= short || len(p.V) <= short {
			return v
		}
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				return dep.Version
			}
		}
	}
	panic("no build information")
}

func main() {
	out := file{
		MadeBy: module + " " + version(),
		Again:  "cd test/vectors/go && go run . > ../pake.json",
		Format: "Hex. alpha and beta: 32 bytes, big-endian, not reduced. x, y, z: affine coordinates without leading zeros. messageA and messageB, once a curve: the module's JSON.",
	}
	for _, curve := range curves {
		channelA, channelB := frame("croc-channel/1", "417", "sender"), frame("croc-channel/1", "417", "recipient")
		add := func(title string, pw, idA, idB, alpha, beta []byte) {
			out.Vectors = append(out.Vectors, run(curve.name, title, pw, idA, idB, alpha, beta))
		}
		usual := func(title string, pw []byte) {
			label := curve.name + " " + title
			add(title, pw, channelA, channelB, scalar(label+" a"), scalar(label+" b"))
		}
		usual(messages, []byte("dozen-lunar-quilt"))
		usual("relay password of croc", []byte{1, 2, 3})
		usual("one byte", []byte("7"))
		usual("UTF-8", []byte("größe-日本-🐊"))
		usual("longer than the order", []byte(strings.Repeat("a rather long secret ", 8)))
		usual("field sized, above the order", bytes.Repeat([]byte{0xff}, curve.fieldBytes))
		usual("leading zero bytes", []byte("\x00\x00dozen-lunar-quilt"))
		usual("empty, so s is 0", []byte{})
		usual("equal to the order, so s is 0", curve.order.Bytes())
		one := append(make([]byte, 31), 1)
		add("smallest secrets", []byte("dozen-lunar-quilt"), []byte("a"), []byte("b"), one, one)
		add("largest secrets", []byte("dozen-lunar-quilt"), []byte("b"), []byte("a"),
			bytes.Repeat([]byte{0xff}, 32), append(bytes.Repeat([]byte{0xff}, 31), 0xfe))
		for _, which := range []string{"x", "y", "z"} {
			out.Vectors = append(out.Vectors,
				search(curve.name, which, curve.fieldBytes, []byte("dozen-lunar-quilt"), channelA, channelB))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	must(encoder.Encode(out))
}
