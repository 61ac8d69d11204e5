// The Khronos validator on one file, as its documentation shows it: `node validate.cjs FILE`, with NODE_PATH.
const fs = require('fs');
const validator = require('gltf-validator');

validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2]))).then((report) => {
  console.log(JSON.stringify(report.issues, null, 1));
});
