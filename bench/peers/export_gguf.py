"""Writes a BERT of sentence-transformers (all-MiniLM-L6-v2) as GGUF files for llama.cpp, for `bench served`: python3 export_gguf.py FOLDER OUT

model.f32.gguf, and model.q8_0.gguf, whose matrices are Q8_0. Mean pooling. Names and metadata as llama.cpp's own converter has them.
"""
import json
import sys
from pathlib import Path

import gguf
from safetensors.numpy import load_file

LAYER = {
    'attention.self.query': 'attn_q',
    'attention.self.key': 'attn_k',
    'attention.self.value': 'attn_v',
    'attention.output.dense': 'attn_output',
    'attention.output.LayerNorm': 'attn_output_norm',
    'intermediate.dense': 'ffn_up',
    'output.dense': 'ffn_down',
    'output.LayerNorm': 'layer_output_norm',
}
EMBEDDINGS = {'word_embeddings': 'token_embd', 'position_embeddings': 'position_embd', 'token_type_embeddings': 'token_types', 'LayerNorm': 'token_embd_norm'}


def name_of(name):
    """The name in GGUF of a tensor; None for one that llama.cpp has no use for, the pooler's."""
    part, _, end = name.rpartition('.')
    if part.startswith('embeddings.'):
        known = EMBEDDINGS.get(part.removeprefix('embeddings.'))
        return known and f'{known}.{end}'
    if not part.startswith('encoder.layer.'):
        return None
    _, _, number, kind = part.split('.', 3)
    return f'blk.{number}.{LAYER[kind]}.{end}'


def piece(token):
    """A word of WordPiece's begins with a mark in GGUF, and what goes on with one has none."""
    if token.startswith('[') and token.endswith(']'):
        return token
    return token[2:] if token.startswith('##') else '\u2581' + token


def write(folder, path, quantized):
    config = json.loads((folder / 'config.json').read_text())
    writer = gguf.GGUFWriter(path, 'bert')
    writer.add_name('all-MiniLM-L6-v2')
    writer.add_context_length(config['max_position_embeddings'])
    writer.add_embedding_length(config['hidden_size'])
    writer.add_feed_forward_length(config['intermediate_size'])
    writer.add_block_count(config['num_hidden_layers'])
    writer.add_head_count(config['num_attention_heads'])
    writer.add_layer_norm_eps(config['layer_norm_eps'])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    tokens = (folder / 'vocab.txt').read_text(encoding='utf-8').rstrip('\n').split('\n')
    writer.add_tokenizer_model('bert')
    writer.add_tokenizer_pre('jina-v2-en')
    writer.add_token_list([piece(token) for token in tokens])
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_type_count(config['type_vocab_size'])
    pad, unknown, begin, separator, mask = (tokens.index(token) for token in special)
    writer.add_pad_token_id(pad)
    writer.add_unk_token_id(unknown)
    writer.add_bos_token_id(begin)
    writer.add_eos_token_id(separator)
    writer.add_sep_token_id(separator)
    writer.add_mask_token_id(mask)
    for name, data in load_file(folder / 'model.safetensors').items():
        if known := name_of(name):
            if quantized and known.startswith(('blk', 'token_embd.')) and data.ndim == 2:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(known, gguf.quants.quantize(data, kind), raw_dtype=kind)
            else:
                writer.add_tensor(known, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


out = Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
for kind in ['f32', 'q8_0']:
    write(Path(sys.argv[1]), out / f'model.{kind}.gguf', kind == 'q8_0')
