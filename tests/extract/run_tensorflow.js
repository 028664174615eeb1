// Runs TensorFlow graphs in TensorFlow.js on the CPU.
//
//     NODE_PATH=FOLDER/node_modules node run_tensorflow.js JOBS.json
//
// JOBS.json is a list of {graph, weights, specs, input, shape, feed, output, result}: `graph` is a
// GraphDef as JSON, `weights` a file with the numbers of its constants one behind the other as
// `specs` describes them, `input` a file of raw little-endian float32 of that shape for the
// placeholder `feed`, `output` the tensor wanted, `result` the file that it is written to. Prints
// the list of the results' shapes as JSON.
'use strict';
const fs = require('fs');
const tf = require('@tensorflow/tfjs');

function bufferOf(path) {
    const bytes = fs.readFileSync(path);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

async function run(job) {
    const model = await tf.loadGraphModel({load: async () => ({
        modelTopology: job.graph,
        weightSpecs: job.specs,
        weightData: bufferOf(job.weights),
    })});
    const input = tf.tensor(new Float32Array(bufferOf(job.input)), job.shape, 'float32');
    const result = model.execute({[job.feed]: input}, job.output);
    const data = await result.data();
    if (result.dtype !== 'float32')
        throw new Error(`the result is of type ${result.dtype}`);
    fs.writeFileSync(job.result, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    return result.shape;
}

async function main() {
    const shapes = [];
    let failed = false;
    console.warn = () => {};  // it would like another backend
    await tf.setBackend('cpu');
    for (const job of JSON.parse(fs.readFileSync(process.argv[2]))) {
        try {
            shapes.push(await run(job));
        } catch (error) {
            console.error(`${job.name}: ${error.message}`);
            failed = true;
        }
    }
    if (failed)
        process.exit(1);
    console.log(JSON.stringify(shapes));
}

main();
