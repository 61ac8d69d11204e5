package threed_test

import (
	"bytes"
	"encoding/binary"
	"math"
)

const triangleJSON = `{"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],` +
	`"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],` +
	`"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}],` +
	`"bufferViews":[{"buffer":0,"byteLength":36}],"buffers":[{"byteLength":36}]}`

// triangleGLB is a GLB of one triangle: the header, a JSON chunk and a BIN chunk, each padded to 4 bytes.
func triangleGLB() []byte {
	json := []byte(triangleJSON)
	for len(json)%4 != 0 {
		json = append(json, ' ')
	}
	points := []float32{0, 0, 0, 1, 0, 0, 0, 1, 0}
	var glb bytes.Buffer
	word := func(values ...uint32) { _ = binary.Write(&glb, binary.LittleEndian, values) }
	word(0x46546C67, 2, uint32(12+8+len(json)+8+4*len(points)))
	word(uint32(len(json)), 0x4E4F534A)
	glb.Write(json)
	word(uint32(4*len(points)), 0x004E4942)
	for _, point := range points {
		word(math.Float32bits(point))
	}
	return glb.Bytes()
}
