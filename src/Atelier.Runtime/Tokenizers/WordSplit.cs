namespace Atelier.Tokenizers;

/// <summary>The rules by which byte pair encoding cuts text into words before it joins anything.</summary>
public enum WordSplit
{
    /// <summary>GPT-2's (Radford et al. 2019): a space goes with the word after it.</summary>
    Gpt2,

    /// <summary>GPT-2's with each digit on its own, separate from a space before it (StarCoder, SmolLM).</summary>
    Gpt2Digits,

    /// <summary>Llama 3's, which are GPT-4's: numbers in threes, line ends apart, endings in any case.</summary>
    Llama3,

    /// <summary>Qwen 2's: Llama 3's with each digit on its own.</summary>
    Qwen2,
}
