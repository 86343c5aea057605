namespace Atelier.Tokenizers;

/// <summary>The rules by which byte pair encoding splits text into words before it applies merges.</summary>
public enum WordSplit
{
    /// <summary>The rules of GPT-2 (Radford et al. 2019): a space belongs to the word after it.</summary>
    Gpt2,

    /// <summary>
    /// The rules of GPT-2, but each digit is a word, separate from a space before it (StarCoder, SmolLM).
    /// </summary>
    Gpt2Digits,

    /// <summary>
    /// The rules of Llama 3 and GPT-4: numbers are split into groups of up to three digits, line ends are separate, and
    /// contractions match in any case.
    /// </summary>
    Llama3,

    /// <summary>The rules of Qwen 2: those of Llama 3, but each digit is a word.</summary>
    Qwen2,
}
