/** Models that hear samples, without a spectrogram, and write what they hear, as any encoder-decoder writes: Moonshine. */
import { type SampleInputs, samplesIn } from '../../models/inputs.js';
import { heardStates, strideOf } from '../../models/waves.js';
import { Seq2SeqModel, type Source } from '../seq2seq.js';
import type { SpeechInputs } from './asking.js';

/** What AutoModelForSpeechSeq2Seq loads where the sources are samples. */
export class SampleModel extends Seq2SeqModel<Partial<SpeechInputs>> {
  protected override readonly inputNames: readonly string[] = ['input_values', 'attention_mask', 'decoder_input_ids'];

  protected override source(inputs: Partial<SpeechInputs>): Source {
    const { samples, dims, lengths: sounding } = samplesIn(inputs as Partial<SampleInputs>);
    const { waves = [] } = this.module.dims;
    const states = heardStates(dims[1], waves);
    const stride = strideOf(waves);
    // As transformers thins out the mask: a state that begins in the sound counts.
    const lengths = sounding?.map((n) => Math.min(states, Math.ceil(n / stride)));
    return { ids: new Int32Array(0), shape: [dims[0], states], lengths, heard: { features: samples, shape: dims, lengths } };
  }
}
