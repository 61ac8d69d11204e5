// Frames of Y, Cb and Cr (4:2:0) from stdin to an MP4 file.
//
// node encode.js WIDTH HEIGHT QUANTIZATION SPEED GROUP FILE
"use strict";
const fs = require("fs");

function filled(buffer) {
  let at = 0;
  while (at < buffer.length) {
    const read = fs.readSync(0, buffer, at, buffer.length - at, null);
    if (read === 0) break;
    at += read;
  }
  if (at && at < buffer.length) throw new Error(`a frame ends after ${at} of ${buffer.length} bytes`);
  return at > 0;
}

async function main() {
  const [width, height, quantization, speed, group] = process.argv.slice(2, 7).map(Number);
  const { createH264MP4Encoder } = require("h264-mp4-encoder");
  const encoder = await createH264MP4Encoder();
  Object.assign(encoder, { width, height, speed, quantizationParameter: quantization, groupOfPictures: group });
  encoder.initialize();
  const frame = Buffer.alloc((width * height * 3) / 2);
  while (filled(frame)) encoder.addFrameYuv(frame);
  encoder.finalize();
  fs.writeFileSync(process.argv[7], encoder.FS.readFile(encoder.outputFilename));
}

// Its own handler of what is not caught would print the whole package.
main().catch((error) => {
  fs.writeSync(2, String(error.message || error).slice(0, 300));
  process.exitCode = 1;
});
