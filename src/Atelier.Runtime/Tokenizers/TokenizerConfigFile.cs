using System.Globalization;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Tokenizers.Pipelines;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads a tokenizer_config.json, in which Hugging Face's tools store settings that tokenizer.json does not have.
/// </summary>
internal static class TokenizerConfigFile
{
    public const string Name = "tokenizer_config.json";

    // The ignored keys: names of tokens, which are in tokenizer.json; names of classes and files; truncation and
    // padding in training; the clean-up of spaces in generated text, which Atelier leaves unchanged.
    private static readonly KnownKeys Known = new(
        [
            "add_bos_token", "add_prefix_space", "added_tokens_decoder", "chat_template", "do_lower_case",
            "strip_accents", "tokenize_chinese_chars",
        ],
        [
            "tokenizer_class", "processor_class", "model_max_length", "padding_side", "truncation_side",
            "clean_up_tokenization_spaces", "bos_token", "eos_token", "unk_token", "pad_token", "sep_token",
            "cls_token", "mask_token", "additional_special_tokens", "extra_special_tokens", "legacy",
            "use_default_system_prompt", "spaces_between_special_tokens", "split_special_tokens", "errors",
            "name_or_path", "special_tokens_map_file", "tokenizer_file", "use_fast", "from_slow",
            "model_input_names", "max_length", "stride", "truncation_strategy", "pad_to_multiple_of",
            "pad_token_type_id", "backend", "is_local", "model_specific_special_tokens", "extra_ids", "trim_offsets",
        ],
        ("add_eos_token", ["false"]), ("do_basic_tokenize", ["true"]));

    /// <summary>Reads the file and checks it against the tokenizer in the same folder.</summary>
    /// <returns>Whether the start token precedes a prompt; null if the file does not decide it.</returns>
    /// <exception cref="AtelierException">The file is damaged or unsupported, or does not fit the
    /// tokenizer.</exception>
    public static bool? Read(string path, Tokenizer tokenizer)
    {
        if (!File.Exists(path))
            return null;
        ConfigFile file = ConfigFile.Read(path);
        file.RefuseUnread(Known);
        // A pipeline may insert a space that its decoder keeps.
        if (tokenizer is not PipelineTokenizer
            && file.Boolean("add_prefix_space", tokenizer.BeginsWithSpace) != tokenizer.BeginsWithSpace)
        {
            throw new AtelierException(
                $"add_prefix_space is {(tokenizer.BeginsWithSpace ? "false" : "true")}, and tokenizer.json puts "
                    + $"{(tokenizer.BeginsWithSpace ? "a" : "no")} space before a text",
                path, "use files of the same model");
        }
        (tokenizer as WordPieceTokenizer)?.Check(file);
        foreach (JsonProperty token in file.Section("added_tokens_decoder")?.Root.EnumerateObject().ToArray() ?? [])
        {
            string? content = token.Value.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, token.Value, $"added_tokens_decoder.{token.Name}.").String("content", "")
                : null;
            bool isKnown = int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && id < tokenizer.VocabularySize && tokenizer.Name(id) == content;
            if (!isKnown)
                throw new AtelierException(
                    $"added_tokens_decoder has the token {token.Name} '{content}', which tokenizer.json has not", path,
                    "use files of the same model");
        }
        return file.BooleanOrNull("add_bos_token");
    }
}
