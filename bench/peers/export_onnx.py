"""Exports a folder's weights to ONNX by PyTorch, for `bench senses` and `bench served`: python3 export_onnx.py FOLDER OUT

DINOv2, BERT: model.onnx. Whisper: encoder.onnx (features to each layer's keys and values of the cross attention) and decoder.onnx (one step with keys and values of the
past, which grow by concatenation, as usual exports have it). Beside each a dynamically quantized int8 file by onnxruntime's own tool, where that is installed.
"""
import sys
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, BertModel, Dinov2Model, WhisperForConditionalGeneration


class Features(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values).last_hidden_state


class Hidden(nn.Module):
    """Ids, mask and types [B, T], padded on the right, to hidden states. Masks are added as a tensor, which exports better than those that transformers makes."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = (1.0 - attention_mask[:, None, None, :].float()) * -1e9
        return self.model(input_ids=input_ids, attention_mask=mask, token_type_ids=token_type_ids).last_hidden_state


def heads_of(x, heads):
    return x.view(x.shape[0], -1, heads, x.shape[-1] // heads).transpose(1, 2)


class Encoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.encoder, self.layers, self.heads = model.model.encoder, model.model.decoder.layers, model.config.decoder_attention_heads

    def forward(self, input_features):
        x = self.encoder(input_features).last_hidden_state
        keys = [heads_of(layer.encoder_attn.k_proj(x), self.heads) for layer in self.layers]
        values = [heads_of(layer.encoder_attn.v_proj(x), self.heads) for layer in self.layers]
        return x, torch.stack(keys), torch.stack(values)


class Decoder(nn.Module):
    """One token [1, 1] behind a past of P tokens; keys and values are [L, 1, heads, P or S, head size]."""

    def __init__(self, model):
        super().__init__()
        self.decoder, self.heads, self.output = model.model.decoder, model.config.decoder_attention_heads, model.proj_out

    def attend(self, attention, x, keys, values):
        q = heads_of(attention.q_proj(x) * attention.scaling, self.heads)
        y = torch.softmax(q @ keys.transpose(-1, -2), -1) @ values
        return attention.out_proj(y.transpose(1, 2).reshape(x.shape))

    def forward(self, input_ids, position, past_keys, past_values, cross_keys, cross_values):
        x = self.decoder.embed_tokens(input_ids) + self.decoder.embed_positions.weight[position]
        all_keys, all_values = [], []
        for i, layer in enumerate(self.decoder.layers):
            y = layer.self_attn_layer_norm(x)
            keys = torch.cat([past_keys[i], heads_of(layer.self_attn.k_proj(y), self.heads)], 2)
            values = torch.cat([past_values[i], heads_of(layer.self_attn.v_proj(y), self.heads)], 2)
            all_keys.append(keys)
            all_values.append(values)
            x = x + self.attend(layer.self_attn, y, keys, values)
            x = x + self.attend(layer.encoder_attn, layer.encoder_attn_layer_norm(x), cross_keys[i], cross_values[i])
            x = x + layer.fc2(layer.activation_fn(layer.fc1(layer.final_layer_norm(x))))
        return self.output(self.decoder.layer_norm(x)), torch.stack(all_keys), torch.stack(all_values)


def export(module, inputs, path, inputs_names, outputs_names, axes=None):
    torch.onnx.export(
        module.eval(), inputs, str(path), input_names=inputs_names, output_names=outputs_names, dynamic_axes=axes, opset_version=17, dynamo=False
    )
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        return
    # Convolutions stay float32: onnxruntime-web has no integer one that takes signed weights.
    quantize_dynamic(str(path), str(path.with_suffix('.int8.onnx')), weight_type=QuantType.QInt8, op_types_to_quantize=['MatMul', 'Gemm'])


def main(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.from_pretrained(folder)
    with torch.no_grad():
        if config.model_type == 'dinov2':
            model = Dinov2Model.from_pretrained(folder, attn_implementation='eager', dtype=torch.float32)
            pixels = torch.randn(1, 3, 224, 224)
            export(Features(model), (pixels,), out / 'model.onnx', ['pixel_values'], ['last_hidden_state'])
        elif config.model_type == 'bert':
            model = BertModel.from_pretrained(folder, attn_implementation='eager', dtype=torch.float32, add_pooling_layer=False)
            names = ['input_ids', 'attention_mask', 'token_type_ids']
            ids = torch.arange(1000, 1014).view(2, 7)
            axes = {name: {0: 'B', 1: 'T'} for name in [*names, 'last_hidden_state']}
            export(Hidden(model), (ids, torch.ones_like(ids), torch.zeros_like(ids)), out / 'model.onnx', names, ['last_hidden_state'], axes)
        elif config.model_type == 'whisper':
            model = WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation='eager', dtype=torch.float32)
            features = torch.randn(1, config.num_mel_bins, 3000)
            export(Encoder(model), (features,), out / 'encoder.onnx', ['input_features'], ['last_hidden_state', 'cross_keys', 'cross_values'])
            layers, heads, size = config.decoder_layers, config.decoder_attention_heads, config.d_model // config.decoder_attention_heads
            past, cross = torch.randn(layers, 1, heads, 3, size), torch.randn(layers, 1, heads, 1500, size)
            names = ['input_ids', 'position', 'past_keys', 'past_values', 'cross_keys', 'cross_values']
            inputs = (torch.tensor([[1]]), torch.tensor([[3]]), past, past.clone(), cross, cross.clone())
            axes = {name: {3: 'P'} for name in ['past_keys', 'past_values', 'keys', 'values']}
            export(Decoder(model), inputs, out / 'decoder.onnx', names, ['logits', 'keys', 'values'], axes)
        else:
            raise SystemExit(f'{folder} holds {config.model_type}, not dinov2, bert or whisper')


main(Path(sys.argv[1]), Path(sys.argv[2]))
